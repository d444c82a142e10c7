import type { AppLoadContext } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import type { PageProblem } from '../ui/problem.ts'
import { isKratosUnreachable } from './kratos.server.ts'
import type { Flow, FlowName } from './kratos.server.ts'

/**
 * The flow of Kratos that the address names.
 *
 * @throws a redirect to where one begins, when there is none or it is over; an answer 502 where Kratos does not answer
 */
export async function loadFlow(
  { frontend: { kratos } }: AppLoadContext,
  name: FlowName,
  request: Request
): Promise<Flow> {
  if (!kratos) throw redirect('/')
  const id = new URL(request.url).searchParams.get('flow')
  if (id === null) throw redirect(kratos.beginUrl(name))
  const flow = await kratos.flow(name, id, request.headers.get('cookie')).catch((error: unknown) => {
    throw answerOf(error)
  })
  if (flow === undefined) throw redirect(kratos.beginUrl(name))
  return flow
}

/** What Kratos did not answer, as an answer that the error page tells in words. */
export function answerOf(error: unknown): unknown {
  if (!isKratosUnreachable(error)) return error
  const problem: PageProblem = {
    kind: 'node-down',
    title: 'The login service does not answer',
    detail: error.message
  }
  return Response.json(problem, { status: 502 })
}
