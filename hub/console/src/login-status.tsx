/** The header's right end: log in, who is logged in and for which application, log out. */
import type { Endpoint } from './config';
import { logIn, logOut, useLogin, type Person } from './login';
import { useTexts } from './texts';

function Picker({ person }: { readonly person: Person }) {
  const texts = useTexts();
  if (person.applications.length === 0) return null;
  return (
    <label>
      {texts.actingFor}{' '}
      <select value={person.application ?? ''} onChange={(event) => void logIn('data', event.target.value || undefined)}>
        <option value="">{texts.myself}</option>
        {person.applications.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

export function LoginStatus({ endpoint }: { readonly endpoint: Endpoint }) {
  const texts = useTexts();
  const { person, expired, problem, elsewhere } = useLogin();
  const again = (): void => void logIn(endpoint, person?.application ?? undefined);
  return (
    <div className="huitong-login" role="group" aria-label={texts.logIn}>
      {(problem !== null || elsewhere !== null) && (
        <span role="alert">
          {problem !== null && texts.loginProblems[problem]} {elsewhere !== null && <a href={elsewhere}>{texts.logInElsewhere(elsewhere)}</a>}
        </span>
      )}
      {person !== null && (
        <>
          <span role="status" title={person.name}>
            {person.displayName} {expired && texts.loginExpired}
          </span>
          {endpoint === 'data' && !expired && <Picker person={person} />}
        </>
      )}
      {(person === null || expired) && (
        <button type="button" onClick={again}>
          {expired ? texts.logInAgain : texts.logIn}
        </button>
      )}
      {person !== null && (
        <button type="button" onClick={() => void logOut()}>
          {texts.logOut}
        </button>
      )}
    </div>
  );
}
