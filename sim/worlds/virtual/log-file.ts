import fs from 'node:fs'

// The real functions, as long as they are: this module is loaded before the globals of a world are installed, and
// what is imported by name later is the patched one.
const { closeSync, openSync, writeSync } = fs

/** Text of the log collected before it is written. */
const LOG_CHUNK_CHARACTERS = 1_048_576

/** Where a world's log goes: while the world is sealed, files are out of reach for everybody else. */
export interface LogFile {
  write(line: string): void
  close(): void
}

/** @throws the error of the file system where it cannot be written */
export function openLogFile(file: string | undefined): LogFile | undefined {
  if (file === undefined) return undefined
  const descriptor = openSync(file, 'w')
  let collected = ''
  const flush = () => {
    writeSync(descriptor, collected)
    collected = ''
  }
  return {
    write(line) {
      collected += `${line}\n`
      if (collected.length > LOG_CHUNK_CHARACTERS) flush()
    },
    close() {
      flush()
      closeSync(descriptor)
    }
  }
}
