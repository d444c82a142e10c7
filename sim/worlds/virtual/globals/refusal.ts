/** Raised where code of the virtual world reaches for something that cannot be simulated. */
export class OutsideOfWorldError extends Error {
  override name = 'OutsideOfWorldError'
}

/** Frames that are not the caller: the patched functions themselves, and Node's own. */
const NOT_THE_CALLER = /worlds\/virtual\/globals\/|\(node:|at node:|<anonymous>/

/**
 * Refuses `what`, naming the line that asked for it.
 *
 * @throws OutsideOfWorldError always
 */
export function refuse(what: string, why: string): never {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const frames = (new Error().stack ?? '').split('\n').slice(1)
  Error.stackTraceLimit = limit
  const caller = frames.find((frame) => !NOT_THE_CALLER.test(frame)) ?? frames.at(-1) ?? 'unknown'
  throw new OutsideOfWorldError(
    `${what} cannot be simulated (${why}); called ${caller.trim()}. Code of a node reaches the outside through its runtime only.`
  )
}
