/**
 * Lets a command end as it would have where nobody reads its output any more (`… | head`): what it still writes goes
 * nowhere, and its exit status stands. Without this, the first write after that would end it with a stack trace.
 */
export function outliveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}
