import type { FrontendContext } from '../../context.ts'

/** How a service of the node is. What is said of it in words is for the operator alone: it names addresses. */
export interface ServiceHealth {
  name: string
  state: 'well' | 'failing' | 'not configured'
  /** How long it took to say so, in milliseconds. */
  tookMs?: number
  detail?: string
}

const LIMIT_MS = 2_000

/** Asks the node's services, all at once, whether they are well. */
export function loadHealth(
  { config, http, clock }: Pick<FrontendContext, 'config' | 'http' | 'clock'>,
  isOperator: boolean
): Promise<ServiceHealth[]> {
  const services = [
    {
      name: 'Backend',
      variable: 'BACKEND_HEALTH_URL',
      url: config.BACKEND_HEALTH_URL ?? new URL('/healthz', config.GRAPHQL_URL).href
    },
    { name: 'Auth', variable: 'AUTH_HEALTH_URL', url: config.AUTH_HEALTH_URL }
  ]
  return Promise.all(
    services.map(async ({ name, variable, url }): Promise<ServiceHealth> => {
      const health = url === undefined ? notConfigured(variable) : await ask(url)
      const { detail, ...rest } = health
      return { name, ...rest, ...(isOperator && detail !== undefined && { detail }) }
    })
  )

  async function ask(url: string): Promise<Omit<ServiceHealth, 'name'>> {
    const beganMs = clock.monotonicMs()
    const { status, error } = await http
      .request({ method: 'GET', url, timeoutMs: LIMIT_MS, isBodyIgnored: true })
      .then(
        ({ status }) => ({ status, error: undefined }),
        (error: Error) => ({ status: undefined, error })
      )
    const tookMs = Math.round(clock.monotonicMs() - beganMs)
    if (status === 200) return { state: 'well', tookMs }
    const what = error === undefined ? `It answered ${status}` : error.message
    return { state: 'failing', tookMs, detail: `${what} (${url})` }
  }
}

function notConfigured(variable: string): Omit<ServiceHealth, 'name'> {
  return { state: 'not configured', detail: `Set ${variable} of the admin UI to know.` }
}
