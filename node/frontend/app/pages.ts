import type { DefineRoutesFunction } from '@remix-run/dev/dist/config/routes.js'

/** Every address of the admin UI and the file that answers it. A page's folder is the noun that it shows. */
export function pages(defineRoutes: DefineRoutesFunction): ReturnType<DefineRoutesFunction> {
  return defineRoutes((route) => {
    route('/', 'home/home.page.tsx', { index: true })
    route('api/set-credentials', 'session/set-credentials.ts')
    route('api/theme', 'shell/set-theme.ts')

    route('auth', 'login/start.page.tsx')
    route('auth/login', 'login/login.page.tsx')
    route('auth/callback', 'login/callback.ts')
    route('auth/recovery', 'login/recovery.page.tsx')
    route('auth/logout', 'login/logout.ts')
    route('auth/manual-logout', 'login/manual-logout.page.tsx')
    route('settings', 'login/settings.page.tsx')
    route('errors', 'login/errors.page.tsx')

    route('overview', 'overview/overview.page.tsx')

    route('tenants', 'tenants/list.page.tsx')
    route('tenants/create', 'tenants/create.page.tsx')
    route('tenants/:tenantId', 'tenants/tenant.page.tsx')

    route('assets', 'assets/list.page.tsx')
    route('assets/create', 'assets/create.page.tsx')
    route('assets/:assetId', 'assets/asset.page.tsx', () => {
      route('deposit-liquidity', 'assets/deposit-liquidity.page.tsx')
      route('withdraw-liquidity', 'assets/withdraw-liquidity.page.tsx')
    })
    route('assets/:assetId/fee-history', 'assets/fee-history.page.tsx')

    route('peers', 'peers/list.page.tsx')
    route('peers/create', 'peers/create.page.tsx')
    route('peers/requests', 'peers/requests.page.tsx')
    route('peers/:peerId', 'peers/peer.page.tsx', () => {
      route('deposit-liquidity', 'peers/deposit-liquidity.page.tsx')
      route('withdraw-liquidity', 'peers/withdraw-liquidity.page.tsx')
    })

    route('payments', 'payments/list.page.tsx')
    route('payments/incoming/:paymentId', 'payments/incoming.page.tsx', () => {
      route('approve', 'payments/approve-incoming.page.tsx')
      route('cancel', 'payments/cancel-incoming.page.tsx')
      route('withdraw-liquidity', 'payments/withdraw-incoming.page.tsx')
    })
    route('payments/outgoing/:paymentId', 'payments/outgoing.page.tsx', () => {
      route('cancel', 'payments/cancel-outgoing.page.tsx')
      route('deposit-liquidity', 'payments/deposit-outgoing.page.tsx')
      route('withdraw-liquidity', 'payments/withdraw-outgoing.page.tsx')
    })

    route('webhook-events', 'webhook-events/list.page.tsx', () => {
      route('data', 'webhook-events/data.page.tsx')
      route('send-again', 'webhook-events/send-again.page.tsx')
    })

    route('wallet-addresses', 'wallet-addresses/list.page.tsx')
    route('wallet-addresses/create', 'wallet-addresses/create.page.tsx')
    route('wallet-addresses/:walletAddressId', 'wallet-addresses/wallet-address.page.tsx', () => {
      route('withdraw-liquidity', 'wallet-addresses/withdraw-liquidity.page.tsx')
      route('keys/:keyId/revoke', 'wallet-addresses/revoke-key.page.tsx')
    })

    route('*', 'ui/not-found.page.tsx')
  })
}
