import react from '@vitejs/plugin-react';
import { build, defineConfig, type Plugin } from 'vite';

const ECHARTS = '/*! echarts, Apache-2.0, Copyright The Apache Software Foundation; zrender, BSD-3-Clause, Copyright Baidu Inc. */';

// The usage report is one file that loads nothing, so its charts come as one plain script.
function reportCharts(): Plugin {
  let outDir = 'dist';
  let logLevel: 'info' | 'warn' | 'error' | 'silent' | undefined;
  return {
    name: 'huitong-report-charts',
    apply: 'build',
    configResolved: (config) => {
      outDir = config.build.outDir;
      logLevel = config.logLevel;
    },
    closeBundle: async () => {
      await build({
        configFile: false,
        ...(logLevel && { logLevel }),
        define: { 'process.env.NODE_ENV': '"production"' },
        build: {
          outDir,
          emptyOutDir: false,
          lib: { entry: 'src/charts.ts', formats: ['iife'], name: 'echarts', fileName: () => 'echarts.min.js' },
          rolldownOptions: { output: { postBanner: ECHARTS } },
        },
      });
    },
  };
}

// The hub serves the files under /console/assets/ and the page itself at /graphql and /governance/graphql: so addresses are absolute.
export default defineConfig({
  base: '/console/',
  plugins: [react(), reportCharts()],
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
