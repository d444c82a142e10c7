import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData, useLocation } from '@remix-run/react'
import { assetOptions } from '../assets/asset-options.ts'
import { handleForm, pageLoader } from '../page.server.ts'
import { LinkButton, SubmitButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Table } from '../ui/table.tsx'
import { peerByUrlForm } from './peer-forms.ts'
import { minorUnits, scaleOf } from './peers.server.ts'
import { LIST_PEERING_REQUESTS, PEER_BY_URL } from './peers.ts'

export const meta = () => [{ title: 'Peering by URL · Rafiki Admin' }]

export const loader = pageLoader(async (page) => {
  const [{ autoPeeringRequests }, assets] = await Promise.all([
    page.api.call(LIST_PEERING_REQUESTS),
    assetOptions(page)
  ])
  return { requests: autoPeeringRequests, assets, peerUrl: page.url.searchParams.get('peerUrl') ?? undefined }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    peerByUrlForm,
    async ({ api, value: { peerUrl, assetId, name, maxPacketAmount, liquidityToDeposit }, refuse }) => {
      const scale = await scaleOf(api, assetId)
      if (scale === undefined) return refuse('This asset is not there any more', 'assetId')
      const read = minorUnits({ maxPacketAmount, liquidityToDeposit }, scale)
      if (!read.ok) return refuse(read.error, read.field)
      const { createOrUpdatePeerByUrl } = await api.call(PEER_BY_URL, {
        input: { peerUrl, assetId, ...(name !== undefined && { name }), ...read.amounts }
      })
      return { to: `/peers/${createOrUpdatePeerByUrl.peer.id}`, flash: 'The nodes peer now' }
    },
    () => 'peerUrl'
  )

export default function PeeringRequestsPage() {
  const { requests, assets, peerUrl } = useLoaderData<typeof loader>()
  const { search } = useLocation()
  return (
    <Page title="Peering by URL" parents={[{ to: '/peers', label: 'Peers' }]}>
      <Table
        caption="Nodes that ask to peer"
        rows={requests}
        keyOf={({ id }) => id}
        empty="No node asks to peer with this one."
        columns={[
          { name: 'Node', cell: ({ name, peerUrl }) => name ?? peerUrl },
          { name: 'URL', cell: (request) => <span className="break-all">{request.peerUrl}</span> },
          {
            name: 'ILP address',
            cell: ({ staticIlpAddress }) => (
              <span className="break-all font-mono text-sm">{staticIlpAddress}</span>
            )
          },
          { name: 'Asset', cell: ({ assetCode, assetScale }) => `${assetCode}, scale ${assetScale}` },
          { name: 'Asked', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
          {
            name: 'Answer',
            cell: (request) => (
              <LinkButton
                to={`/peers/requests?${new URLSearchParams({ peerUrl: request.peerUrl }).toString()}`}
              >
                Peer with it
              </LinkButton>
            )
          }
        ]}
      />
      <Section
        title="Peer with a node"
        help="This node asks the other one for its address and endpoint, and gives its own. Both agree on tokens by themselves."
      >
        <PeerByUrlForm key={search} assets={assets} peerUrl={peerUrl} />
      </Section>
    </Page>
  )
}

function PeerByUrlForm({
  assets,
  peerUrl
}: {
  assets: { value: string; label: string }[]
  peerUrl: string | undefined
}) {
  const { form, fields } = useNodeForm(peerByUrlForm, { values: { peerUrl } })
  return (
    <NodeForm form={form}>
      <TextField field={fields.peerUrl} label="Peer URL" help="Of its auto-peering server" />
      <SelectField field={fields.assetId} label="Asset" options={assets} emptyOption="Choose one" />
      <TextField field={fields.name} label="Name" help="Empty: what the other node calls itself" />
      <TextField field={fields.maxPacketAmount} label="Max packet amount" inputMode="decimal" />
      <TextField field={fields.liquidityToDeposit} label="Liquidity to deposit" inputMode="decimal" />
      <div>
        <SubmitButton>Peer</SubmitButton>
      </div>
    </NodeForm>
  )
}
