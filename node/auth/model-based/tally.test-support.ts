import type { Answer } from './model.test-support.ts'
import type { Step } from './steps.test-support.ts'

interface Taken {
  step: Step
  answered: Answer
}

/** Counts what histories did: that they were worth having lived. */
export interface Tally {
  count(taken: readonly Taken[]): void
  /** Shares of the histories that granted something, and that held an illegal step; and all of it as text. */
  sum(): { granting: number; illegal: number; report: string }
}

export function createTally(): Tally {
  const outcomes = new Map<string, Map<string, number>>()
  const shares = new Map<string, number>()
  let histories = 0
  let steps = 0

  function add(map: Map<string, number>, name: string): void {
    map.set(name, (map.get(name) ?? 0) + 1)
  }

  return {
    count(taken) {
      histories += 1
      steps += taken.length
      const traits = new Set<string>()
      for (const { step, answered } of taken) {
        const outcome = outcomeOf(answered)
        const ofKind = outcomes.get(step.kind) ?? new Map<string, number>()
        outcomes.set(step.kind, ofKind)
        add(ofKind, outcome)
        if (isGranting(step, answered)) {
          traits.add('grant something')
          if (step.kind === 'continue') traits.add('grant something after an interaction')
          if (step.kind === 'rotate') traits.add('rotate a token')
        }
        if (answered.redirect?.with.result === 'grant_rejected') traits.add('are declined')
        if (isIllegal(answered)) traits.add('contain an illegal step')
        if (step.kind === 'wait' && step.ms >= 60_000) traits.add('jump a minute or more')
        if (step.kind === 'delete tenant') traits.add('delete their tenant')
      }
      for (const trait of traits) add(shares, trait)
    },
    sum() {
      const share = (name: string) => (shares.get(name) ?? 0) / Math.max(1, histories)
      const lines = [
        `${histories} histories of GNAP, ${steps} steps`,
        ...[...shares.keys()].sort().map((name) => `${percent(share(name))} ${name}`),
        ...[...outcomes].map(([kind, counts]) => {
          const sorted = [...counts].sort(([, a], [, b]) => b - a)
          return `  ${kind}: ${sorted.map(([name, count]) => `${count} ${name}`).join(', ')}`
        })
      ]
      return {
        granting: share('grant something'),
        illegal: share('contain an illegal step'),
        report: `${lines.join('\n')}\n`
      }
    }
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(6)} %`
const GRANTING = new Set<Step['kind']>(['ask', 'continue', 'rotate'])
const isGranting = ({ kind }: Step, { token, subject }: Answer): boolean =>
  GRANTING.has(kind) && (token !== undefined || subject === true)
const isIllegal = ({ status, error }: Answer): boolean => status >= 400 || error !== undefined

function outcomeOf({ status, error, token, redirect, active }: Answer): string {
  if (error) return error[0] ?? 'not in the document'
  if (redirect) return redirect.with.result ?? (redirect.to === 'client' ? 'back with a hash' : 'to consent')
  if (token) return 'token'
  if (active !== undefined) return active ? 'active' : 'inactive'
  return status === 0 ? 'done' : String(status)
}
