/** Does so much that its log is written while the world is still alive. */
export default async function longLog(_world: unknown, { timers }: { timers: number }): Promise<number> {
  let fired = 0
  await new Promise<void>((resolve) => {
    for (let index = 0; index < timers; index++)
      setTimeout(() => {
        fired += 1
        if (fired === timers) resolve()
      }, index)
  })
  return fired
}
