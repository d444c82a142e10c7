import { AdminApiError } from '../admin-api/admin-api.ts'
import type { FormDone } from '../page.server.ts'

/** What the node refuses where a payment is not any more as its page showed it, in words of what to do. */
const WORDS: Readonly<Record<string, string>> = {
  CONFLICT: 'The payment has changed meanwhile: go back and look at it again.',
  DUPLICATE: 'That was done already: go back and look at the payment again.'
}

/** Changes a payment; a change that came too late is explained above the form. */
export async function changing<Refused>(
  refuse: (message: string) => Refused,
  change: () => Promise<FormDone>
): Promise<FormDone | Refused> {
  try {
    return await change()
  } catch (error) {
    const words = error instanceof AdminApiError ? WORDS[error.code] : undefined
    if (words === undefined) throw error
    return refuse(words)
  }
}
