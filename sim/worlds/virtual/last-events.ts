import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const LAST_EVENTS = 30
const SHOWN_CHARACTERS = 240
/** Read at first; eight times as much where it holds too few events, up to the longest. */
const FIRST_LOOK_BYTES = 1_048_576
const LONGEST_LOOK_BYTES = 64 * FIRST_LOOK_BYTES

/**
 * The last messages and statements of a history that was written to a file, without its timers and random draws; none
 * where nothing was written. Only the file's end is read: a history that never ends is longer than any string may be.
 */
export function lastEventsIn(file: string): string[] {
  if (!existsSync(file)) return []
  for (let bytes = FIRST_LOOK_BYTES; ; bytes *= 8) {
    const { lines, isWhole } = endOf(file, bytes)
    const telling = lines.filter((line) => line !== '' && !/^\S+ (random|timer-)/.test(line))
    if (telling.length >= LAST_EVENTS || isWhole || bytes >= LONGEST_LOOK_BYTES)
      return telling.slice(-LAST_EVENTS).map((line) => line.slice(0, SHOWN_CHARACTERS))
  }
}

/** The whole lines among a file's last bytes. */
function endOf(file: string, bytes: number): { lines: string[]; isWhole: boolean } {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const end = Buffer.alloc(Math.min(bytes, size))
    const read = readSync(descriptor, end, 0, end.length, size - end.length)
    const lines = end.toString('utf8', 0, read).split('\n')
    const isWhole = end.length === size
    return { lines: isWhole ? lines : lines.slice(1), isWhole }
  } finally {
    closeSync(descriptor)
  }
}
