import type { ActionFunctionArgs } from '@remix-run/node'
import type { PageProblem } from '../ui/problem.ts'
import { CSRF_FIELD } from './csrf-field.ts'
import { isCsrfToken } from './session.ts'
import type { Sessions } from './session.ts'

const FORGED: PageProblem = {
  kind: 'forged-form',
  title: 'This form was not sent',
  detail:
    'It did not come from a page of this session: the session may have ended. Go back, load the page again and send it.'
}

/**
 * The fields of a form that came from a page of this session: its token is the session's, and the browser, where it
 * tells, says that it came from here (Fetch Metadata; `Origin`).
 *
 * @throws an answer 403 otherwise
 */
export async function checkForm(
  { request }: Pick<ActionFunctionArgs, 'request'>,
  sessions: Sessions
): Promise<FormData> {
  const formData = await request.formData()
  const { session } = sessions.read(request)
  if (!isOfThisOrigin(request) || !isCsrfToken(session, formData.get(CSRF_FIELD)))
    throw Response.json(FORGED, { status: 403 })
  formData.delete(CSRF_FIELD)
  return formData
}

function isOfThisOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = request.headers.get('origin')
  if (origin === null) return true
  return URL.canParse(origin) && new URL(origin).host === request.headers.get('host')
}
