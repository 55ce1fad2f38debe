import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The hub serves the files under /console/assets/ and the page itself at /graphql and /governance/graphql: so addresses are absolute.
export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The editor alone is 3 MB and is fetched once per browser (immutable caching).
    chunkSizeWarningLimit: 4096,
    modulePreload: { polyfill: false },
    // GraphiQL's packages carry "use no memo" for a compiler that this build does not run.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
