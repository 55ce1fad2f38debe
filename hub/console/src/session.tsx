/** Inside GraphiQL's provider: keeps the demo caller's headers over tabs, and says what to do when the schema was refused. */
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';
import { isReplaceable, useCaller } from './caller';
import { authorizationIn, mergeHeaders } from './headers';
import { useTexts } from './texts';
import { TOKEN_HELPER } from './token-helper';

/** Every tab has its own headers: a tab without credentials, or with the helper's earlier ones, gets the present caller's. */
export function CallerOverTabs() {
  const caller = useCaller();
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);
  useEffect(() => {
    if (!caller || !headerEditor) return;
    const text = headerEditor.getValue();
    const authorization = authorizationIn(text);
    if (authorization === caller.headers['Authorization'] || !isReplaceable(authorization)) return;
    headerEditor.setValue(mergeHeaders(text, caller.headers));
  }, [caller, headerEditor, tab]);
  return null;
}

interface Refusal {
  readonly http?: string;
  readonly errors?: readonly { readonly message?: string }[];
}

function reason(fetchError: string): string {
  try {
    const { http, errors } = JSON.parse(fetchError) as Refusal;
    return [http, errors?.[0]?.message].filter(Boolean).join(' · ');
  } catch {
    return fetchError;
  }
}

export function RefusalHint({ demo }: { readonly demo: boolean }) {
  const texts = useTexts();
  const fetchError = useGraphiQL((state) => state.fetchError);
  const helperIsOpen = useGraphiQL((state) => state.visiblePlugin?.title === TOKEN_HELPER.title);
  const { setVisiblePlugin } = useGraphiQLActions();
  if (!fetchError) return null;
  return (
    <div className="huitong-hint" role="alert">
      <strong>{texts.refused}</strong> <span>{reason(fetchError)}</span>
      <p>
        {demo ? texts.howToAuthorizeDemo : texts.howToAuthorize}{' '}
        {demo && !helperIsOpen && <button onClick={() => setVisiblePlugin(TOKEN_HELPER.title)}>{texts.openHelper}</button>}
      </p>
    </div>
  );
}
