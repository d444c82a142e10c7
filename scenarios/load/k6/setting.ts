import type { Options, Scenario } from 'k6/options'
import type { K6Setting } from '../../../sim/load/engine/k6-setting.ts'

/** Longer than any call waits: none is cut off at the end of a stage, for its end would be known to nobody. */
const GRACEFUL_STOP = '90s'
/** Virtual users beyond those that the bounds let be busy: each costs k6 memory. */
const SPARE_SHARE = 1.5
const FEWEST_USERS = 20

/** The setting that `LOAD` names; at the top of a script, for k6 opens files nowhere else. */
export function readSetting<Target>(): K6Setting<Target> {
  const file = __ENV.LOAD
  if (!file) throw new Error('LOAD must name the JSON file that says what to load (scenarios/load/README.md)')
  return JSON.parse(open(file)) as K6Setting<Target>
}

/** k6's options: how calls arrive, and the bounds as thresholds. */
export function optionsOf(setting: K6Setting<unknown>): Options {
  const { p99Ms, errorShare } = setting.bounds
  return {
    scenarios: { load: scenarioOf(setting) },
    // The names are K6_METRICS'; types alone are imported from outside.
    thresholds: { call_latency: [`p(99)<=${p99Ms}`], call_failed: [`rate<=${errorShare}`] },
    summaryTrendStats: ['med', 'p(90)', 'p(95)', 'p(99)', 'max']
  }
}

function scenarioOf({ arrivals, durationMs, maxInFlight, bounds }: K6Setting<unknown>): Scenario {
  const duration = `${durationMs}ms`
  if (arrivals.kind === 'closed') {
    return { executor: 'constant-vus', vus: arrivals.callers, duration, gracefulStop: GRACEFUL_STOP }
  }
  const highest =
    arrivals.kind === 'rate' ? arrivals.perSecond : Math.max(arrivals.fromPerSecond, arrivals.toPerSecond)
  const busy = Math.ceil((highest * bounds.p99Ms * SPARE_SHARE) / 1_000)
  const users = Math.min(maxInFlight, Math.max(FEWEST_USERS, busy))
  // k6 takes whole numbers only: per minute they are fine enough.
  const common = { timeUnit: '1m', preAllocatedVUs: users, maxVUs: users, gracefulStop: GRACEFUL_STOP }
  const perMinute = (perSecond: number) => Math.max(1, Math.round(perSecond * 60))
  if (arrivals.kind === 'rate') {
    return { executor: 'constant-arrival-rate', rate: perMinute(arrivals.perSecond), duration, ...common }
  }
  return {
    executor: 'ramping-arrival-rate',
    startRate: perMinute(arrivals.fromPerSecond),
    stages: [{ target: perMinute(arrivals.toPerSecond), duration }],
    ...common
  }
}
