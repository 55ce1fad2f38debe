import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './console.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { readConfig } from './config';
import { returnFromLogin } from './login';

async function start(root: HTMLElement): Promise<void> {
  const config = readConfig();
  // First, so that the page reads the schema of whoever logged in.
  const endpoint = (await returnFromLogin()) ?? config.endpoint;
  createRoot(root).render(<App {...config} endpoint={endpoint} />);
}

const root = document.getElementById('root');
if (root) void start(root);
