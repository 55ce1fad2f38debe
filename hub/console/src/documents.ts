/** The documents that a fresh page opens with. Outside demo mode they use only what every hub has. */
import type { Endpoint } from './config';

interface Tab {
  readonly query: string;
  readonly variables?: string;
}

const CATALOG = `# 资源目录：有哪些资源，本应用能用什么。
# The catalog: which resources exist,
# and what this application may use.
#
# Ctrl-Space  补全 complete
# Ctrl-Enter  运行 run
query Catalog {
  catalog(first: 10) {
    totalCount
    nodes {
      code
      name
      nameEn
      sharingClass
      provider { name }
      access { operations requestable }
    }
  }
}
`;

const PERSONS = `# 查询：按条件取人口信息。
# 脱敏项与本次访问的回执见 extensions。
# Query persons. Masked items and this
# call's receipt are in extensions.
query Persons {
  civilAffairs {
    persons(first: 5) {
      nodes {
        name
        gender
        birthDate
        district
        phone
        household { address }
      }
      pageInfo { endCursor }
    }
  }
}
`;

const VERIFY = `# 核验：只回答一致或不一致，不提供数据。
# Verification: answers match or mismatch,
# and gives no data.
query Verify($idNumber: String!, $name: String!) {
  civilAffairs {
    verifyPerson(subject: { idNumber: $idNumber }, claims: { name: $name }) {
      outcome
      claims { item outcome }
      asOf
    }
  }
}
`;

const VERIFY_VARIABLES = `{
  "idNumber": "",
  "name": ""
}`;

const EXCHANGE = `# 批量交换：把一个查询文档运行到底，结果为文件。
# 同一 idempotencyKey 不会重复发起。
# Batch exchange: runs a query document to its
# end, into files. The same idempotencyKey
# starts nothing twice. Formats:
# CSV JSONL PARQUET ARROW
mutation StartExchange($document: String!, $key: String!) {
  startExchange(input: { document: $document, format: CSV, idempotencyKey: $key }) {
    exchange { id state }
  }
}
`;

const EXCHANGE_VARIABLES = `{
  "document": "{ civilAffairs { persons { nodes { name district } } } }",
  "key": "graphiql-1"
}`;

const PROGRESS = `# 进度：本应用的批量交换，新者在前。
# SUCCEEDED 后 files 中有下载地址；
# PAUSED 的会自行继续，reason 说明原因。
# Progress: this application's exchanges, the
# newest first. Once SUCCEEDED, files say where
# to get them; PAUSED ones go on by themselves,
# reason says why they wait.
query Progress {
  exchanges(first: 5) {
    nodes {
      id
      state
      reason
      progress { rowsDone rowsTotal bytes secondsLeft }
      files { name url rows bytes sha256 }
      manifestUrl
    }
  }
}
`;

const GOVERNANCE = `# 治理接口：部门、应用、数据源、目录、申请与授权。
# 您可办理什么取决于角色（docs/roles.md）。
# 每项变更都返回 problems；不为空时，
# 一项也不会生效。
# Governance: departments, applications,
# sources, catalog, requests, grants.
# Your roles say what you may do. Every
# mutation returns problems; unless it is
# empty, nothing was done.
#
#   createDepartment → createApplication
#   → registerSource → checkSource
#   → importManifest → reviewCatalog
#   → publishCatalog
#   requestAccess (/graphql) → endorseRequest
#   → checkRequest → giveOpinion
#   → reviewRequest → signAgreement × 2
#
# Ctrl-Space  补全 complete
# Ctrl-Enter  运行 run
query Governance {
  me { application scopes }
}
`;

export function defaultTabs(endpoint: Endpoint, demo: boolean): Tab[] {
  if (endpoint === 'governance') return [{ query: GOVERNANCE }];
  const catalog = { query: CATALOG };
  if (!demo) return [catalog];
  return [
    catalog,
    { query: PERSONS },
    { query: VERIFY, variables: VERIFY_VARIABLES },
    { query: EXCHANGE, variables: EXCHANGE_VARIABLES },
    { query: PROGRESS },
  ];
}
