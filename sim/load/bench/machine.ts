import os from 'node:os'

/** The machine in one line: figures mean nothing without it. */
export function describeMachine(): string {
  const [first] = os.cpus()
  const gigabytes = Math.round(os.totalmem() / 2 ** 30)
  return `${os.availableParallelism()} cores (${first?.model.trim() ?? 'unknown'}), ${gigabytes} GB, ${os.platform()} ${os.arch()}, Node.js ${process.version}`
}
