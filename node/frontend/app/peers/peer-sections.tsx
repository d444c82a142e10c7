import { formatAmount } from '../money.ts'
import { SubmitButton } from '../ui/button.tsx'
import { TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { generalForm, httpForm, limitsForm, routesForm } from './peer-forms.ts'
import type { Peer } from './peers.ts'

interface PeerProps {
  peer: Peer
}

/** An amount as its field begins; nothing where there is none. */
function amountField(value: bigint | null, { asset }: Peer): string | undefined {
  return value === null ? undefined : formatAmount(value, asset.scale)
}

export function GeneralForm({ peer }: PeerProps) {
  const { form, fields } = useNodeForm(generalForm, {
    intent: 'general',
    values: {
      name: peer.name,
      staticIlpAddress: peer.staticIlpAddress,
      maxPacketAmount: amountField(peer.maxPacketAmount, peer),
      liquidityThreshold: amountField(peer.liquidityThreshold, peer)
    }
  })
  const { code } = peer.asset
  return (
    <NodeForm form={form} intent="general">
      <TextField field={fields.name} label="Name" />
      <TextField field={fields.staticIlpAddress} label="Static ILP address" />
      <TextField
        field={fields.maxPacketAmount}
        label={`Max packet amount in ${code}`}
        inputMode="decimal"
        help="Empty: no limit"
      />
      <TextField
        field={fields.liquidityThreshold}
        label={`Low mark in ${code}`}
        inputMode="decimal"
        help="At or below it the wallet is told that liquidity is low"
      />
      <div>
        <SubmitButton intent="general">Save</SubmitButton>
      </div>
    </NodeForm>
  )
}

export function HttpForm({ peer }: PeerProps) {
  const { form, fields } = useNodeForm(httpForm, {
    intent: 'http',
    values: { outgoingEndpoint: peer.http.outgoing.endpoint }
  })
  return (
    <NodeForm form={form} intent="http">
      <TextField
        field={fields.incomingAuthTokens}
        label="New incoming auth tokens"
        help="In place of all earlier ones, separated by commas; empty: they stay"
      />
      <TextField field={fields.outgoingAuthToken} label="New outgoing auth token" help="Empty: it stays" />
      <TextField field={fields.outgoingEndpoint} label="Outgoing endpoint" />
      <div>
        <SubmitButton intent="http">Save HTTP</SubmitButton>
      </div>
    </NodeForm>
  )
}

export function LimitsForm({ peer }: PeerProps) {
  const { form, fields } = useNodeForm(limitsForm, {
    intent: 'limits',
    values: {
      maxPacketsPerSecond: peer.maxPacketsPerSecond?.toString(),
      maxPacketsInFlight: peer.maxPacketsInFlight?.toString(),
      maxAmountPerSecond: amountField(peer.maxAmountPerSecond, peer),
      maxSettledOverBtp: amountField(peer.maxSettledOverBtp, peer)
    }
  })
  const { code, scale } = peer.asset
  return (
    <NodeForm form={form} intent="limits">
      <TextField field={fields.maxPacketsPerSecond} label="Packets per second" inputMode="numeric" />
      <TextField field={fields.maxPacketsInFlight} label="Packets under way at once" inputMode="numeric" />
      <TextField field={fields.maxAmountPerSecond} label={`${code} per second`} inputMode="decimal" />
      <TextField
        field={fields.maxSettledOverBtp}
        label={`${code} settled over BTP in all`}
        inputMode="decimal"
        help={`The peer’s word alone is good for this much; it settled ${formatAmount(peer.settledOverBtp, scale)} ${code} so far. Empty: nothing`}
      />
      <div>
        <SubmitButton intent="limits">Save limits</SubmitButton>
      </div>
    </NodeForm>
  )
}

export function RoutesForm({ peer }: PeerProps) {
  const own = peer.routes.filter((route) => route !== peer.staticIlpAddress)
  const { form, fields } = useNodeForm(routesForm, {
    intent: 'routes',
    values: { routes: own.join('\n') }
  })
  return (
    <NodeForm form={form} intent="routes">
      <TextField
        field={fields.routes}
        label="Prefixes"
        rows={4}
        help="One per line, such as test.acme-east; “test” alone is everything of that scheme"
      />
      <div>
        <SubmitButton intent="routes">Save routes</SubmitButton>
      </div>
    </NodeForm>
  )
}
