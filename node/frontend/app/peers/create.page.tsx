import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { assetOptions } from '../assets/asset-options.ts'
import { handleForm, pageLoader } from '../page.server.ts'
import { SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { createPeerForm, fieldOfPeerFailure } from './peer-forms.ts'
import { CREATE_PEER } from './peers.ts'
import { minorUnits, scaleOf } from './peers.server.ts'

export const meta = () => [{ title: 'Create peer · Rafiki Admin' }]

export const loader = pageLoader(async (page) => ({ assets: await assetOptions(page) }))

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    createPeerForm,
    async ({ api, value, refuse }) => {
      const { name, staticIlpAddress, assetId, outgoingEndpoint, outgoingAuthToken } = value
      const { incomingAuthTokens, maxPacketAmount, initialLiquidity, liquidityThreshold } = value
      const scale = await scaleOf(api, assetId)
      if (scale === undefined) return refuse('This asset is not there any more', 'assetId')
      const read = minorUnits({ maxPacketAmount, initialLiquidity, liquidityThreshold }, scale)
      if (!read.ok) return refuse(read.error, read.field)
      const { createPeer } = await api.call(CREATE_PEER, {
        input: {
          staticIlpAddress,
          assetId,
          ...(name !== undefined && { name }),
          http: {
            outgoing: { endpoint: outgoingEndpoint, authToken: outgoingAuthToken },
            ...(incomingAuthTokens && { incoming: { authTokens: incomingAuthTokens } })
          },
          ...read.amounts
        }
      })
      return { to: `/peers/${createPeer.peer.id}`, flash: `Peer ${name ?? staticIlpAddress} was created` }
    },
    fieldOfPeerFailure
  )

export default function CreatePeerPage() {
  const { assets } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(createPeerForm)
  return (
    <Page title="Create peer" parents={[{ to: '/peers', label: 'Peers' }]}>
      <NodeForm form={form}>
        <Section title="General">
          <TextField field={fields.name} label="Name" help="For people; not sent to the peer" />
          <TextField
            field={fields.staticIlpAddress}
            label="Static ILP address"
            help="Packets to addresses below it go to this peer, such as test.acme"
          />
          <SelectField
            field={fields.assetId}
            label="Asset"
            options={assets}
            emptyOption="Choose one"
            help="The currency of the link; it cannot be changed later"
          />
          <TextField
            field={fields.maxPacketAmount}
            label="Max packet amount"
            inputMode="decimal"
            help="Larger packets from the peer are refused, in units of the asset; empty: no limit"
          />
        </Section>
        <Section title="HTTP">
          <TextField
            field={fields.incomingAuthTokens}
            label="Incoming auth tokens"
            help="What the peer presents to this node; several are separated by commas"
          />
          <TextField
            field={fields.outgoingAuthToken}
            label="Outgoing auth token"
            help="What this node presents to the peer"
          />
          <TextField
            field={fields.outgoingEndpoint}
            label="Outgoing endpoint"
            help="Where packets are sent to: https://…, or btp+wss://… for BTP"
          />
        </Section>
        <Section title="Liquidity" help="How much the peer may send through this node before it settles.">
          <TextField
            field={fields.initialLiquidity}
            label="Initial liquidity"
            inputMode="decimal"
            help="Deposited at once, in units of the asset"
          />
          <TextField
            field={fields.liquidityThreshold}
            label="Low mark"
            inputMode="decimal"
            help="At or below it the wallet is told that liquidity is low"
          />
        </Section>
        <div>
          <SubmitButton>Create</SubmitButton>
        </div>
      </NodeForm>
    </Page>
  )
}
