import { Form, NavLink, useLocation, useNavigation } from '@remix-run/react'
import type { ReactNode } from 'react'
import type { Flash } from '../session/session.ts'
import { CsrfToken } from '../ui/csrf-token.tsx'
import { FlashMessage } from './flash-message.tsx'
import type { Theme } from './theme.ts'

export interface ShellData {
  theme: Theme
  csrfToken: string
  signedIn: { tenantId: string; isOperator: boolean; publicName?: string } | undefined
  /** Who logged in at the identity provider. */
  user: string | undefined
  hasLogin: boolean
  hasSettings: boolean
  flash: Flash | undefined
}

const PAGES = [
  { to: '/', label: 'Home' },
  { to: '/overview', label: 'Overview' },
  { to: '/tenants', label: 'Tenants' },
  { to: '/assets', label: 'Assets' },
  { to: '/peers', label: 'Peers' },
  { to: '/wallet-addresses', label: 'Wallet addresses' },
  { to: '/payments', label: 'Payments' },
  { to: '/webhook-events', label: 'Webhook events' }
] as const

/** What is around every page: where one can go, who one is, and what the last change came to. */
export function Shell({ data, children }: { data: ShellData; children: ReactNode }) {
  const navigation = useNavigation()
  const pages = data.signedIn ? PAGES : PAGES.slice(0, 1)
  return (
    <CsrfToken.Provider value={data.csrfToken}>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:left-2 focus:top-2 focus:z-20 focus:rounded focus:bg-surface focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <div className="md:grid md:min-h-screen md:grid-cols-[15rem_minmax(0,1fr)]">
        <header className="border-b border-line bg-surface md:border-b-0 md:border-r">
          <div className="flex flex-col gap-4 p-4 md:sticky md:top-0 md:max-h-screen md:overflow-y-auto">
            <p className="text-lg font-semibold">Rafiki Admin</p>
            <nav aria-label="Pages">
              <ul className="flex flex-wrap gap-1 md:flex-col">
                {pages.map(({ to, label }) => (
                  <li key={to}>
                    <NavLink to={to} end={to === '/'} className={pageLink}>
                      {label}
                    </NavLink>
                  </li>
                ))}
                {data.hasSettings && data.user !== undefined && (
                  <li>
                    <NavLink to="/settings" className={pageLink}>
                      Settings
                    </NavLink>
                  </li>
                )}
              </ul>
            </nav>
            <Identity data={data} />
            <ThemeChoice theme={data.theme} />
          </div>
        </header>
        <div>
          <div role="status" className="sr-only">
            {navigation.state === 'loading' ? 'Loading' : ''}
          </div>
          {navigation.state !== 'idle' && (
            <div className="fixed inset-x-0 top-0 z-10 h-1 animate-pulse bg-accent" aria-hidden="true" />
          )}
          <FlashMessage flash={data.flash} />
          <main id="content" tabIndex={-1} className="mx-auto max-w-6xl p-4 outline-none md:p-8">
            {children}
          </main>
        </div>
      </div>
    </CsrfToken.Provider>
  )
}

function pageLink({ isActive }: { isActive: boolean }): string {
  return `block rounded px-3 py-1.5 ${isActive ? 'bg-info-soft font-semibold text-ink' : 'text-muted hover:bg-raised hover:text-ink'}`
}

function Identity({ data: { signedIn, user, hasLogin } }: { data: ShellData }) {
  return (
    <div className="flex flex-col gap-1 text-sm text-muted">
      {signedIn && (
        <p>
          {signedIn.isOperator ? 'Operator' : 'Tenant'}{' '}
          <span className="break-all font-mono text-xs">{signedIn.publicName ?? signedIn.tenantId}</span>
        </p>
      )}
      {user !== undefined && <p>Logged in as {user}</p>}
      {hasLogin && user !== undefined && (
        <Form method="post" action="/auth/logout" reloadDocument>
          <CsrfToken.Input />
          <button className="cursor-pointer underline hover:text-ink">Log out</button>
        </Form>
      )}
    </div>
  )
}

function ThemeChoice({ theme }: { theme: Theme }) {
  const { pathname, search } = useLocation()
  return (
    <Form method="post" action="/api/theme" className="flex items-end gap-2 text-sm">
      <CsrfToken.Input />
      <input type="hidden" name="next" value={pathname + search} />
      <label className="flex flex-col text-muted">
        Appearance
        <select
          key={theme}
          name="theme"
          defaultValue={theme}
          className="rounded border border-field-line bg-surface px-2 py-1 text-ink"
        >
          <option value="system">As the system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <button className="cursor-pointer rounded border border-field-line px-2 py-1 hover:bg-raised">
        Set
      </button>
    </Form>
  )
}
