/** The console's own texts, in both languages; GraphiQL's are its own. */
import { useLanguage, type Language } from './language';

const zh = {
  dataEndpoint: '数据接口',
  governanceEndpoint: '治理接口',
  otherLanguage: 'English',
  refused: '未能读取接口的结构',
  howToAuthorize: '请在下方 Headers 中填写令牌，例如 {"Authorization": "Bearer …"}，再点左侧的刷新按钮。',
  howToAuthorizeDemo: '请在左侧「令牌助手」中选一个演示应用；或在下方 Headers 中自行填写令牌，再点左侧的刷新按钮。',
  openHelper: '打开令牌助手',
  helperTitle: '令牌助手',
  helperIntro: '以演示应用的身份访问。令牌只写入本页的 Headers，不会存入浏览器。',
  noApplications: '没有可用于此接口的演示应用。',
  retry: '重试',
  use: '使用',
  renew: '换新令牌',
  inUse: '使用中',
  validUntil: '有效至',
  purpose: '用途',
  operator: '经办人',
  invalidHeaders: 'Headers 中的 JSON 有误，请先改正。',
  unreachable: '无法连接汇通，请检查服务是否在运行。',
  notJson: '服务器的回答不是 JSON。',
  departments: '部门',
  departmentsIntro: (count: number) => `您可见 ${count} 个部门。请选取要使用的部门：文档与补全只含所选部门的结构，查询本身不受限制。`,
  allDepartments: (count: number) => `您可见 ${count} 个部门，其结构已全部读取。`,
  searchDepartments: '按名称或代码查找',
  readDepartments: '读取所选部门',
  chosenDepartments: (count: number, most: number) => `已选 ${count}（最多 ${most}）`,
  openDepartments: '选取部门',
};

export type Texts = Readonly<typeof zh>;

const en: Texts = {
  dataEndpoint: 'Data',
  governanceEndpoint: 'Governance',
  otherLanguage: '中文',
  refused: 'The schema could not be read',
  howToAuthorize: 'Put a token into Headers below, e.g. {"Authorization": "Bearer …"}, then press the reload button on the left.',
  howToAuthorizeDemo: 'Choose a demo application in the Token helper on the left; or put a token into Headers below and press the reload button on the left.',
  openHelper: 'Open the Token helper',
  helperTitle: 'Token helper',
  helperIntro: 'Act as one of the demo applications. The token goes into this page’s Headers only; the browser does not store it.',
  noApplications: 'No demo application may use this endpoint.',
  retry: 'Try again',
  use: 'Use',
  renew: 'New token',
  inUse: 'in use',
  validUntil: 'valid until',
  purpose: 'Purpose',
  operator: 'Operator',
  invalidHeaders: 'The JSON in Headers is malformed: please correct it first.',
  unreachable: 'The hub cannot be reached: please check that it is running.',
  notJson: 'The server’s answer is not JSON.',
  departments: 'Departments',
  departmentsIntro: (count) =>
    `You see ${count} departments. Choose those that you need: docs and completion hold the schema of these only; queries are not limited by it.`,
  allDepartments: (count) => `You see ${count} departments; the schema of all of them has been read.`,
  searchDepartments: 'Search by name or code',
  readDepartments: 'Read the chosen departments',
  chosenDepartments: (count, most) => `${count} chosen (at most ${most})`,
  openDepartments: 'Choose departments',
};

export const texts: Readonly<Record<Language, Texts>> = { zh, en };

export const useTexts = (): Texts => texts[useLanguage()];
