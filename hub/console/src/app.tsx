import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect } from 'react';
import { ENDPOINT_PATHS, type Endpoint, type PageConfig } from './config';
import { defaultTabs } from './documents';
import { fetcherFor } from './fetcher';
import { setLanguage, useLanguage } from './language';
import { logIn, useLogin } from './login';
import { LoginStatus } from './login-status';
import { DEPARTMENTS, DepartmentsHint } from './picker';
import { CallerOverTabs, RefusalHint } from './session';
import { sessionStorageFor } from './storage';
import { useTexts } from './texts';
import { TOKEN_HELPER } from './token-helper';

const DOCUMENTATION = 'Documentation Explorer';
const PLUGINS = {
  data: { demo: [TOKEN_HELPER, DEPARTMENTS, HISTORY_PLUGIN], own: [DEPARTMENTS, HISTORY_PLUGIN] },
  governance: { demo: [TOKEN_HELPER, HISTORY_PLUGIN], own: [HISTORY_PLUGIN] },
};

function Header({ endpoint }: { readonly endpoint: Endpoint }) {
  const texts = useTexts();
  const language = useLanguage();
  const { person } = useLogin();
  const labels: Record<Endpoint, string> = { data: texts.dataEndpoint, governance: texts.governanceEndpoint };
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = `汇通 Huitong · ${labels[endpoint]}`;
  });
  return (
    <header className="huitong-header">
      <h1>
        汇通 <span lang="en">Huitong</span>
      </h1>
      <nav>
        {(['data', 'governance'] as const).map((each) => (
          <a
            key={each}
            href={ENDPOINT_PATHS[each]}
            aria-current={each === endpoint ? 'page' : undefined}
            onClick={(event) => {
              // The other page knows nothing of this one's token: it gets its own, from the same login.
              if (person === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              void logIn(each);
            }}
          >
            {labels[each]} <code>{ENDPOINT_PATHS[each]}</code>
          </a>
        ))}
      </nav>
      <LoginStatus endpoint={endpoint} />
      <button type="button" className="huitong-language" onClick={() => setLanguage(language === 'zh' ? 'en' : 'zh')}>
        {texts.otherLanguage}
      </button>
    </header>
  );
}

export function App({ endpoint, demo }: PageConfig) {
  const hasRoom = globalThis.innerWidth > 720;
  return (
    <>
      <Header endpoint={endpoint} />
      <GraphiQL
        fetcher={fetcherFor(endpoint)}
        storage={sessionStorageFor(endpoint)}
        shouldPersistHeaders={false}
        defaultEditorToolsVisibility="headers"
        defaultTabs={defaultTabs(endpoint, demo)}
        plugins={PLUGINS[endpoint][demo ? 'demo' : 'own']}
        {...(demo || hasRoom ? { visiblePlugin: demo ? TOKEN_HELPER.title : DOCUMENTATION } : {})}
      >
        {/* The toolbar's children come from GraphiQL; what follows stands beside it, inside its provider. */}
        <CallerOverTabs />
        <RefusalHint demo={demo} />
        {endpoint === 'data' && <DepartmentsHint />}
      </GraphiQL>
    </>
  );
}
