import type { ActionFunctionArgs } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useLocation } from '@remix-run/react'
import { handleForm, intentOf, pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { DeleteSection } from '../ui/delete-section.tsx'
import { confirmForm } from '../ui/form-fields.ts'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { deletePeerWords } from './peer-forms.ts'
import { GeneralForm, HttpForm, LimitsForm, RoutesForm } from './peer-sections.tsx'
import { getPeer } from './peers.server.ts'
import { DELETE_PEER } from './peers.ts'
import { updateGeneral, updateHttp, updateLimits, updateRoutes } from './update-peer.server.ts'

export const meta = () => [{ title: 'Peer · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params }) => ({ peer: await getPeer(api, params.peerId) }))

export async function action(args: ActionFunctionArgs) {
  switch (await intentOf(args.request)) {
    case 'http':
      return updateHttp(args)
    case 'limits':
      return updateLimits(args)
    case 'routes':
      return updateRoutes(args)
    case 'delete':
      return deletePeer(args)
    default:
      return updateGeneral(args)
  }
}

async function deletePeer(args: ActionFunctionArgs) {
  // The words are the peer's name, which only the node knows for sure.
  let words = ''
  const read = pageLoader(async ({ api, params }) => {
    words = deletePeerWords(await getPeer(api, params.peerId))
  })
  await read(args)
  return handleForm(args, confirmForm(words), async ({ api, params }) => {
    await api.call(DELETE_PEER, { input: { id: params.peerId } })
    return { to: '/peers', flash: 'The peer was deleted' }
  })
}

export default function PeerPage() {
  const { peer } = useLoaderData<typeof loader>()
  const { id, name, staticIlpAddress, asset, tenant, liquidity, liquidityThreshold, createdAt } = peer
  // What was typed as a token is gone from the page once it was sent.
  const { key } = useLocation()
  return (
    <Page title={name ?? staticIlpAddress} parents={[{ to: '/peers', label: 'Peers' }]}>
      <Section title="General">
        <Facts
          facts={[
            ['ID', <Id key="id">{id}</Id>],
            [
              'Asset',
              <Link key="asset" to={`/assets/${asset.id}`} className="text-accent underline">
                {`${asset.code}, scale ${asset.scale}`}
              </Link>
            ],
            ['Created', <DateTime key="created" value={createdAt} />],
            ['Tenant', <TenantName key="tenant" tenant={tenant} />]
          ]}
        />
        <GeneralForm peer={peer} />
      </Section>
      <Section
        title="Liquidity"
        help="What the peer may still send through this node. It shrinks with what it sends, and grows with what is sent to it."
      >
        <Facts
          facts={[
            ['Amount', <Amount key="amount" value={liquidity ?? 0n} code={asset.code} scale={asset.scale} />],
            [
              'Low mark',
              liquidityThreshold === null ? (
                'None'
              ) : (
                <Amount key="mark" value={liquidityThreshold} code={asset.code} scale={asset.scale} />
              )
            ]
          ]}
        />
        <div className="flex flex-wrap gap-3">
          <LinkButton to="deposit-liquidity">Deposit</LinkButton>
          <LinkButton to="withdraw-liquidity">Withdraw</LinkButton>
        </div>
      </Section>
      <Section title="HTTP" help="How the two nodes reach each other. Tokens are never shown again.">
        <HttpForm key={key} peer={peer} />
      </Section>
      <Section
        title="Limits"
        help="What is taken from this peer at most. Empty: the node’s default, or none."
      >
        <LimitsForm peer={peer} />
      </Section>
      <Section
        title="Routes"
        help="Further prefixes whose packets go to this peer; its own address always does. The longest prefix wins."
      >
        <RoutesForm peer={peer} />
      </Section>
      <DeleteSection
        what="peer"
        words={deletePeerWords(peer)}
        consequence="Packets to it are refused from then on. What its account holds stays in the ledger: withdraw it first."
      />
      <Outlet />
    </Page>
  )
}
