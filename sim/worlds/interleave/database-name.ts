/**
 * Each world has a database of its own at the server. All names have one length, so that one that a client is shown can be
 * written over: what differs between two runs of a seed must not be in its history.
 */
const SHOWN = 'world_0000000000000000'

export function worldDatabaseName(processId: number, world: number): string {
  const digits = (value: number) => value.toString(16).padStart(8, '0')
  return `world_${digits(processId)}${digits(world)}`
}

/** Writes over the name in a message of the server. */
export function hideDatabaseName(bytes: Buffer, name: string): Buffer {
  if (name.length !== SHOWN.length) return bytes
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at)) bytes.write(SHOWN, at, 'latin1')
  return bytes
}
