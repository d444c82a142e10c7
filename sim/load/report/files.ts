import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { LoadReport } from '../engine/model.ts'
import { loadHtmlOf } from './html.ts'

/** A file is not there, or no report of this version. */
export class NoReportError extends Error {
  override name = 'NoReportError'
}

const JSON_FILE = 'load.json'
const HTML_FILE = 'index.html'

/** Writes a run as `load.json` and `index.html`; gives where the page is. */
export function writeLoadReport(directory: string, report: LoadReport): string {
  mkdirSync(directory, { recursive: true })
  writeFileSync(path.join(directory, JSON_FILE), `${JSON.stringify(report, undefined, 1)}\n`)
  const page = path.join(directory, HTML_FILE)
  writeFileSync(page, loadHtmlOf(report))
  return page
}

/** What a reader depends on; the rest is as whoever wrote the version wrote it. */
const envelope = z.looseObject({
  version: z.literal(1),
  kind: z.string(),
  unit: z.string(),
  stages: z.array(
    z.looseObject({ name: z.string(), completedPerSecond: z.number(), latency: z.looseObject({}) })
  ),
  processes: z.array(z.looseObject({ name: z.string(), samples: z.array(z.looseObject({})) })),
  topology: z.looseObject({
    name: z.string(),
    nodes: z.array(z.looseObject({})),
    links: z.array(z.looseObject({}))
  }),
  bounds: z.looseObject({ p99Ms: z.number(), errorShare: z.number() }),
  reconciliation: z.looseObject({ ok: z.boolean(), counts: z.array(z.looseObject({})) })
})

/**
 * Reads a report: its JSON file, or the directory that it is in.
 *
 * @throws NoReportError saying what is wrong
 */
export function readLoadReport(file: string): LoadReport {
  let text: string
  try {
    text = readFileSync(statSync(file).isDirectory() ? path.join(file, JSON_FILE) : file, 'utf8')
  } catch (error) {
    throw new NoReportError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new NoReportError(`${file} is no JSON`, { cause })
  }
  const parsed = envelope.safeParse(value)
  if (parsed.success) return value as LoadReport
  const version = (value as { version?: unknown } | null)?.version
  throw new NoReportError(
    version !== undefined && version !== 1
      ? `${file} is a report of version ${String(version)}; this reads version 1`
      : `${file} is no report of lab load: ${parsed.error.issues[0]!.path.join('.') || 'it'} is wrong`
  )
}
