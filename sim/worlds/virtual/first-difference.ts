import { readFileSync } from 'node:fs'

const SHOWN_CHARACTERS = 400

/** Where two histories, written to files, part: the last event that they share, and the next of each. */
export function firstDifference(left: string, right: string): string[] {
  const [one, two] = [left, right].map((file) => readFileSync(file, 'utf8').split('\n').filter(isEvent))
  const at = one!.findIndex((line, index) => line !== two![index])
  if (at === -1 && one!.length === two!.length)
    return ['the histories did not differ when they were run again']
  const index = at === -1 ? one!.length : at
  const shown = (line: string | undefined) => (line ?? '(its end)').slice(0, SHOWN_CHARACTERS)
  return [
    `event ${index} is the first that differs`,
    `before: ${index === 0 ? '(the beginning)' : shown(one![index - 1])}`,
    `one:    ${shown(one![index])}`,
    `other:  ${shown(two![index])}`
  ]
}

/** Log lines of services carry stacks and are no part of the history. */
function isEvent(line: string): boolean {
  return line !== '' && !/^\S+ note /.test(line)
}
