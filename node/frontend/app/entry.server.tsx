import { PassThrough } from 'node:stream'
import type { ActionFunctionArgs, AppLoadContext, EntryContext, LoaderFunctionArgs } from '@remix-run/node'
import { createReadableStreamFromReadable } from '@remix-run/node'
import { RemixServer } from '@remix-run/react'
import { isbot } from 'isbot'
import { renderToPipeableStream } from 'react-dom/server'
import { ScriptNonce } from './ui/script-nonce.ts'

const RENDER_TIMEOUT_MS = 10_000

/** The first answer to a browser: the page as HTML, sent as it is made; whole for machines that read it. */
export default function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  remixContext: EntryContext,
  { frontend: { scriptNonce } }: AppLoadContext
): Promise<Response> {
  const isForMachine = isbot(request.headers.get('user-agent') ?? '')
  return new Promise((resolve, reject) => {
    let failed = false
    const answer = () => {
      clearTimeout(timer)
      const body = new PassThrough()
      headers.set('content-type', 'text/html; charset=utf-8')
      headers.set('cache-control', 'no-store')
      resolve(
        new Response(createReadableStreamFromReadable(body), { headers, status: failed ? 500 : status })
      )
      pipe(body)
    }
    const { pipe, abort } = renderToPipeableStream(
      <ScriptNonce.Provider value={scriptNonce}>
        <RemixServer context={remixContext} url={request.url} nonce={scriptNonce} />
      </ScriptNonce.Provider>,
      {
        nonce: scriptNonce,
        ...(isForMachine ? { onAllReady: answer } : { onShellReady: answer }),
        onShellError: reject,
        onError(error) {
          failed = true
          process.emitWarning(error instanceof Error ? error : String(error))
        }
      }
    )
    const timer = setTimeout(
      () => abort(new Error(`not rendered within ${RENDER_TIMEOUT_MS} ms`)),
      RENDER_TIMEOUT_MS
    )
  })
}

/** What no page expected. Each that is thrown is logged once, with its cause. */
export function handleError(
  error: unknown,
  { request, context }: LoaderFunctionArgs | ActionFunctionArgs
): void {
  if (request.signal.aborted) return
  context.frontend.logger.error({ err: error, path: new URL(request.url).pathname }, 'a page failed')
}
