import type { FieldMetadata } from '@conform-to/react'
import { TextField } from '../ui/fields.tsx'

type Field = FieldMetadata<string, Record<string, string>, string[]>

/** What a tenant may have otherwise than the node does. Where it has none, the operator's configuration counts. */
export function SettingsFields({
  fields
}: {
  fields: Record<
    | 'walletAddressUrl'
    | 'webhookUrl'
    | 'webhookTimeout'
    | 'webhookMaxRetry'
    | 'exchangeRatesUrl'
    | 'ilpAddress',
    Field
  >
}) {
  return (
    <>
      <TextField
        field={fields.walletAddressUrl}
        label="Wallet address URL"
        help="The prefix of all its wallet addresses, such as https://wallet.example/acme"
      />
      <TextField field={fields.webhookUrl} label="Webhook URL" help="Where its wallet hears of events" />
      <TextField
        field={fields.webhookTimeout}
        label="Webhook timeout in milliseconds"
        inputMode="numeric"
        help="How long its wallet may take to answer"
      />
      <TextField
        field={fields.webhookMaxRetry}
        label="Webhook attempts"
        inputMode="numeric"
        help="An event is given up after so many"
      />
      <TextField field={fields.exchangeRatesUrl} label="Exchange rates URL" />
      <TextField field={fields.ilpAddress} label="ILP address" help="Of its payments, such as test.acme" />
    </>
  )
}
