/**
 * Does work on each item, some at once, and tells of the results in the order of the items. The first failure ends it:
 * nothing more is begun, and what runs is waited for.
 *
 * @param jobs how many at once
 * @throws what the work on the first item that failed threw
 */
export async function inOrder<T, R>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<R>,
  tell: (result: R) => void
): Promise<void> {
  const done = new Map<number, R>()
  let next = 0
  let told = 0
  const failures: { index: number; error: unknown }[] = []

  async function worker(): Promise<void> {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        done.set(index, await work(items[index]!))
      } catch (error) {
        failures.push({ index, error })
        return
      }
      while (done.has(told)) {
        tell(done.get(told)!)
        done.delete(told++)
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker))
  const [first] = failures.sort((a, b) => a.index - b.index)
  if (first) throw first.error
}
