import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './console.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { readConfig } from './config';
import { logIn, returnFromLogin } from './login';

const LOG_IN = '#login';

async function start(root: HTMLElement): Promise<void> {
  const config = readConfig();
  // First, so that the page reads the schema of whoever logged in.
  const endpoint = (await returnFromLogin()) ?? config.endpoint;
  if (location.hash === LOG_IN) {
    // From the account's page: who has a session gets a token of it at once.
    history.replaceState(null, '', location.pathname);
    void logIn(endpoint);
  }
  createRoot(root).render(<App {...config} endpoint={endpoint} />);
}

const root = document.getElementById('root');
if (root) void start(root);
