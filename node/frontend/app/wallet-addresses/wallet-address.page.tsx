import type { ActionFunctionArgs } from '@remix-run/node'
import { Link, Outlet, useLoaderData } from '@remix-run/react'
import { intentOf, pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { KeysSection } from './keys-section.tsx'
import { GeneralForm, PropertiesForm } from './wallet-address-sections.tsx'
import { addKey, updateGeneral, updateProperties } from './update-wallet-address.server.ts'
import { getWalletAddress } from './wallet-addresses.server.ts'

export const meta = () => [{ title: 'Wallet address · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const walletAddress = await getWalletAddress(api, params.walletAddressId)
  return { walletAddress, isOwn: walletAddress.tenant?.id === credentials.tenantId }
})

export async function action(args: ActionFunctionArgs) {
  switch (await intentOf(args.request)) {
    case 'key':
      return addKey(args)
    case 'properties':
      return updateProperties(args)
    default:
      return updateGeneral(args)
  }
}

export default function WalletAddressPage() {
  const { walletAddress, isOwn } = useLoaderData<typeof loader>()
  const { id, address, publicName, asset, tenant, liquidity, createdAt, walletAddressKeys } = walletAddress
  const payments = `/payments?${new URLSearchParams({ walletAddressId: id }).toString()}`
  return (
    <Page
      title={publicName ?? address}
      parents={[{ to: '/wallet-addresses', label: 'Wallet addresses' }]}
      actions={<LinkButton to={payments}>Payments</LinkButton>}
    >
      <Section title="General">
        <Facts
          facts={[
            [
              'URL',
              <span key="url" className="break-all">
                {address}
              </span>
            ],
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
        {isOwn ? (
          <GeneralForm walletAddress={walletAddress} />
        ) : (
          <p className="text-muted">Only its tenant changes it.</p>
        )}
      </Section>
      <Section
        title="Liquidity"
        help="Money that was sent to the address itself, without an incoming payment, and not withdrawn."
      >
        <Facts
          facts={[
            ['Amount', <Amount key="amount" value={liquidity ?? 0n} code={asset.code} scale={asset.scale} />]
          ]}
        />
        {liquidity !== null && liquidity > 0n && (
          <div>
            <LinkButton to="withdraw-liquidity">Withdraw</LinkButton>
          </div>
        )}
      </Section>
      <KeysSection keys={walletAddressKeys?.edges.map(({ node }) => node) ?? []} isOwn={isOwn} />
      <Section
        title="Additional properties"
        help="What the wallet attaches to the address; the public document shows those that are not hidden."
      >
        <PropertiesForm walletAddress={walletAddress} isOwn={isOwn} />
      </Section>
      <Outlet />
    </Page>
  )
}
