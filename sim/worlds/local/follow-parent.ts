import { answer } from './observer.ts'
import type { Question } from './observer.ts'

/**
 * Loaded before a service of the local world. Ends it when the laboratory is gone, however that ended: the
 * channel to the parent closes even after `kill -9`. And answers what the laboratory asks of the process.
 */
export interface Asked {
  id: number
  question: Question
}
export interface Answered {
  id: number
  answer?: unknown
  error?: string
}

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', ({ id, question }: Asked) => {
  const reply = (answered: Omit<Answered, 'id'>) => process.send?.({ id, ...answered })
  answer(question).then(
    (value) => reply({ answer: value }),
    (error: Error) => reply({ error: error.message })
  )
})
process.channel?.unref()
