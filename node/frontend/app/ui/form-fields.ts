import { z } from 'zod'
import { parseAmount } from '../money.ts'

/** An amount in its asset's units, as text: the scale, which only the server is sure of, is applied by `amountOf`. */
export function amountText() {
  return z
    .string({ error: 'An amount is needed, such as 12.50' })
    .trim()
    .regex(/^(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/, 'An amount is digits with at most one point, such as 12.50')
}

/** The amount of such a text in minor units, or why the asset cannot hold it. */
export const amountOf = parseAmount

/** A form that asks to type some words, so that nothing is deleted by a slip. */
export function confirmForm(words: string) {
  return z.object({
    confirmation: z
      .string({ error: `Type ${words}` })
      .refine((text) => text.trim() === words, `Type ${words} to confirm`)
  })
}

/** A deposit or withdrawal of an amount. The id was made with the form: sent twice, it is booked once. */
export const liquidityForm = z.object({ id: z.uuid(), amount: amountText() })

/** Fields by the failure that the node answers: what it refused is told beside the field that it is about. */
export function fieldsByFailure<Name extends string>(
  fields: Readonly<Record<string, Name>>
): (error: { failure: string | undefined }) => Name | undefined {
  return ({ failure }) => (failure === undefined ? undefined : fields[failure])
}
