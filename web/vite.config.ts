import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vite';

// Built to dist/web, served by Hosting with the policy of firebase.json: nothing inline, nothing from elsewhere.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ prefreshEnabled: false })],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
