import { z } from 'zod'

/** A deposit or withdrawal of all that there is. The key was made with the form: sent twice, it is booked once. */
export const movementForm = z.object({ key: z.uuid() })

/** Further data for the receiver travel with a deposit, inside of the payment. */
export const depositForm = z.object({
  key: z.uuid(),
  dataToTransmit: z.string().max(65_536, 'At most 65,536 characters').optional()
})

export const approveForm = z.object({})

export const cancelForm = z.object({ reason: z.string().max(2_000, 'At most 2,000 characters').optional() })
