import type { Audit } from '../invariants/audit.ts'

/** One JSON value per line, or lines for a person: what a command tells while it works. */
export interface Progress {
  /** A step that was done, with the time since the start. */
  step(name: string, detail: string): void
  /** Text for a person only. */
  say(text?: string): void
  /** The last line with `--json`. */
  summary(record: Record<string, unknown> & { ok: boolean }): void
  error(message: string): void
}

/** Writes to standard output (errors to standard error when a person reads). */
export function createProgress({ json }: { json: boolean }): Progress {
  const startMs = performance.now()
  const elapsedMs = () => Math.round(performance.now() - startMs)
  const line = (record: Record<string, unknown>) => process.stdout.write(`${toJson(record)}\n`)
  return {
    step(name, detail) {
      if (json) line({ event: 'step', step: name, detail, elapsedMs: elapsedMs() })
      else
        process.stdout.write(
          `${(elapsedMs() / 1000).toFixed(2).padStart(7)} s  ${name.padEnd(18)} ${detail}\n`
        )
    },
    say(text = '') {
      if (!json) process.stdout.write(`${text}\n`)
    },
    summary(record) {
      if (json) line({ event: 'summary', ...record })
    },
    error(message) {
      if (json) line({ event: 'error', message })
      else process.stderr.write(`${message}\n`)
    }
  }
}

/** JSON with amounts as strings, as the APIs write them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
}

/** The audit in a few lines for a person. */
export function describeAudit(audit: Audit): string[] {
  const lines = audit.nodes.map(
    ({ name, difference, pending, overdrawn }) =>
      `${name}: debits − credits = ${difference}, pending ${pending}, overdrawn accounts ${overdrawn.length}`
  )
  for (const { from, to, upstreamPosted, orphaned } of audit.links) {
    if (upstreamPosted === 0n && orphaned === 0n) continue
    lines.push(`link ${from} → ${to}: ${upstreamPosted} booked by both, ${orphaned} orphaned`)
  }
  return [...lines, ...audit.problems.map((problem) => `PROBLEM ${problem}`)]
}
