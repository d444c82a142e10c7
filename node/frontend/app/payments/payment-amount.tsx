import { Amount } from '../ui/amount.tsx'
import type { Amount as AmountOfAsset } from './payments.ts'

/** An amount of a payment in its asset's units. */
export function PaymentAmount({ amount }: { amount: AmountOfAsset }) {
  return <Amount value={amount.value} code={amount.assetCode} scale={amount.assetScale} />
}
