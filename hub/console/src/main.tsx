import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './console.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { readConfig } from './config';

const root = document.getElementById('root');
if (root) createRoot(root).render(<App {...readConfig()} />);
