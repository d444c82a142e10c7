import { vitePlugin as remix } from '@remix-run/dev'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'
import { pages } from './app/pages.ts'

/** `npm run frontend:build`. The paths are those of the repository's root: there is one package.json. */
export default defineConfig({
  plugins: [
    tailwindcss(),
    remix({
      appDirectory: 'node/frontend/app',
      buildDirectory: 'node/frontend/build',
      ignoredRouteFiles: ['**/*'],
      routes: pages,
      future: {
        v3_fetcherPersist: true,
        v3_relativeSplatPath: true,
        v3_throwAbortReason: true,
        v3_lazyRouteDiscovery: false,
        v3_singleFetch: true
      }
    })
  ],
  // Not `assets`: that is the address of a page.
  build: { assetsDir: 'files' }
})
