import { runDemo } from '../networks/demo.ts'
import type { Progress } from '../reports/progress.ts'
import { freePort } from '../services/free-ports.ts'
import { readTopology } from '../topology/parse.ts'
import { startLocalNetwork } from '../worlds/local/world.ts'
import type { LocalNetwork } from '../worlds/local/world.ts'
import { buildAdminUi } from './build.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'

export interface AdminUiNode {
  /** The admin UI of the node. */
  url: string
  /** Another one for the same node, where one has to log in first at a provider that nobody needs to reach. */
  loginUrl: string
  graphqlUrl: string
  openPaymentsUrl: string
  operatorTenantId: string
  adminApiSecret: string
}

/** Two peered nodes with an admin UI each. */
export interface UiNetwork {
  acacia: AdminUiNode
  baobab: AdminUiNode
  stop(): Promise<void>
}

const nothing = () => undefined
const SILENT: Progress = { step: nothing, say: nothing, summary: nothing, error: nothing }

/** Builds the admin UI, brings the pair up, and makes a payment in it: alice@acacia has paid bob@baobab. */
export async function startUiNetwork(): Promise<UiNetwork> {
  const [network] = await Promise.all([
    startLocalNetwork(readTopology('fixtures/topologies/pair.json')),
    buildAdminUi()
  ])
  const frontends: FrontendProcess[] = []
  const stop = async () => {
    await Promise.all(frontends.map(({ process }) => process.end('SIGTERM')))
    await network.stop()
  }
  try {
    const { ok } = await runDemo(network, SILENT)
    if (!ok) throw new Error('the payment of the network that the admin UI is tested with failed')
    const [acacia, baobab] = await Promise.all([
      startUis(network, 'acacia', frontends),
      startUis(network, 'baobab', frontends)
    ])
    return { acacia, baobab, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startUis(
  network: LocalNetwork,
  name: string,
  frontends: FrontendProcess[]
): Promise<AdminUiNode> {
  const { urls, secrets } = network.plan.plans.find(({ node }) => node.name === name)!
  const graphqlUrl = `${urls.admin}/graphql`
  const start = (label: string, port: string, environment: Record<string, string>) => {
    const frontend = startFrontendProcess(network.run, `${name}-${label}`, {
      PORT: port,
      GRAPHQL_URL: graphqlUrl,
      OPEN_PAYMENTS_URL: urls.openPayments,
      BACKEND_HEALTH_URL: `${urls.openPayments.replace('https:', 'http:')}/healthz`,
      AUTH_HEALTH_URL: `${urls.auth}/healthz`,
      ...environment
    })
    frontends.push(frontend)
    return frontend
  }
  const loginPort = String(await freePort())
  const own = start('frontend', new URL(urls.frontend).port, {})
  const login = start('frontend-login', loginPort, {
    AUTH_ENABLED: 'true',
    AUTH_PROVIDER: 'oidc',
    OIDC_ISSUER_URL: 'http://127.0.0.1:9',
    OIDC_CLIENT_ID: 'admin-ui',
    OIDC_CLIENT_SECRET: 'nobody asks for it',
    FRONTEND_URL: `http://localhost:${loginPort}`
  })
  await Promise.all([own.process.started, login.process.started])
  const { operatorTenantId, adminApiSecret } = secrets
  return {
    url: own.url,
    loginUrl: login.url,
    graphqlUrl,
    openPaymentsUrl: urls.openPayments,
    operatorTenantId,
    adminApiSecret
  }
}
