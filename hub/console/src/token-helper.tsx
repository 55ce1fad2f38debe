/** GraphiQL's side pane of demo mode: act as a demo application with one click. */
import { Button, Spinner, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useCallback, useEffect, useState } from 'react';
import { setCaller, useCaller } from './caller';
import { readConfig } from './config';
import { demoApplications, demoToken, type DemoApplication } from './demo';
import { mergeHeaders, type Headers } from './headers';
import { languageTag } from './language';
import { useTexts } from './texts';

const PURPOSE = 'Huitong-Purpose';

/** Issues a token for the application, puts its headers into the header editor and reads the caller's own schema. */
function useIssue(): { issue: (name: string, purpose: string | undefined) => Promise<void>; error: string; ready: boolean } {
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const { introspect } = useGraphiQLActions();
  const [error, setError] = useState('');
  const texts = useTexts();
  const issue = async (name: string, purpose: string | undefined): Promise<void> => {
    if (!headerEditor) return;
    setError('');
    try {
      const token = await demoToken(name);
      const headers: Headers = purpose === undefined ? token.headers : { ...token.headers, [PURPOSE]: purpose };
      headerEditor.setValue(mergeHeaders(headerEditor.getValue(), headers));
      setCaller({ name, headers, validUntil: new Date(Date.now() + token.expires_in * 1000) });
      await introspect();
    } catch (cause) {
      setError(cause instanceof SyntaxError ? texts.invalidHeaders : String(cause instanceof Error ? cause.message : cause));
    }
  };
  return { issue, error, ready: headerEditor !== undefined };
}

interface CardProps {
  readonly application: DemoApplication;
  readonly disabled: boolean;
  readonly onUse: (purpose: string | undefined) => void;
}

function Purposes({ purposes, value, onChange }: { purposes: readonly string[]; value: string; onChange: (value: string) => void }) {
  const texts = useTexts();
  return (
    <label>
      {texts.purpose}{' '}
      {purposes.length === 1 ? (
        <code>{value}</code>
      ) : (
        <select value={value} onChange={(event) => onChange(event.target.value)}>
          {purposes.map((purpose) => (
            <option key={purpose}>{purpose}</option>
          ))}
        </select>
      )}
    </label>
  );
}

function Card({ application, disabled, onUse }: CardProps) {
  const texts = useTexts();
  const caller = useCaller();
  const [purpose, setPurpose] = useState(application.purposes[0]);
  const active = caller?.name === application.name;
  return (
    <li className={active ? 'huitong-card active' : 'huitong-card'} data-application={application.name}>
      <h4>
        {application.title} <code>{application.name}</code>
      </h4>
      <p>{application.description}</p>
      <div className="huitong-card-facts">
        {purpose !== undefined && <Purposes purposes={application.purposes} value={purpose} onChange={setPurpose} />}
        {application.operator && (
          <span>
            {texts.operator} {application.operator}
          </span>
        )}
      </div>
      <div className="huitong-card-action">
        <Button type="button" disabled={disabled} onClick={() => onUse(purpose)}>
          {active ? texts.renew : texts.use}
        </Button>
        {active && (
          <span role="status">
            {texts.inUse} · {texts.validUntil} {caller.validUntil.toLocaleTimeString(languageTag(), { hour12: false })}
          </span>
        )}
      </div>
    </li>
  );
}

export function TokenHelper() {
  const texts = useTexts();
  const { issue, error, ready } = useIssue();
  const [applications, setApplications] = useState<readonly DemoApplication[] | null>(null);
  const [failure, setFailure] = useState('');
  const load = useCallback(() => {
    setFailure('');
    demoApplications(readConfig().endpoint).then(setApplications, (cause: Error) => setFailure(cause.message));
  }, []);
  useEffect(load, [load]);
  return (
    <section className="huitong-helper" aria-label={texts.helperTitle}>
      <h3>{texts.helperTitle}</h3>
      <p>{texts.helperIntro}</p>
      {(failure || error) && (
        <p className="huitong-error" role="alert">
          {failure || error} {failure && <Button onClick={load}>{texts.retry}</Button>}
        </p>
      )}
      {applications === null && !failure && <Spinner />}
      {applications?.length === 0 && <p>{texts.noApplications}</p>}
      <ul>
        {applications?.map((application) => (
          <Card key={application.name} application={application} disabled={!ready} onUse={(purpose) => void issue(application.name, purpose)} />
        ))}
      </ul>
    </section>
  );
}

function KeyIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <circle cx="8" cy="15" r="4.25" />
      <path d="M11 12 20 3M16.5 6.5l3 3M14 9l2 2" strokeLinecap="round" />
    </svg>
  );
}

/** Its title is also GraphiQL's label of the button; a constant, as GraphiQL remembers the open pane by it. */
export const TOKEN_HELPER = { title: '令牌助手 Token helper', icon: KeyIcon, content: TokenHelper };
