/** How often it is written where there is no terminal. */
const PLAIN_PROGRESS_MS = 10_000

/** The last line of a terminal, written again and again; elsewhere a step now and then. */
export function createLiveLine({
  json,
  nowMs,
  step
}: {
  json: boolean
  nowMs(): number
  step(name: string, detail: string): void
}) {
  const terminal = process.stdout.isTTY && !json
  let shown = false
  let lastMs = nowMs()
  return {
    show(text: string) {
      if (terminal) {
        process.stdout.write(`\r\x1b[K${text}`)
        shown = true
      } else if (nowMs() - lastMs >= PLAIN_PROGRESS_MS) {
        lastMs = nowMs()
        step('progress', text)
      }
    },
    clear() {
      if (shown) process.stdout.write('\r\x1b[K')
      shown = false
    }
  }
}
