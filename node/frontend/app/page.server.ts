import type { ActionFunctionArgs, AppLoadContext, LoaderFunctionArgs } from '@remix-run/node'
import { data, redirect } from '@remix-run/node'
import { parseWithZod } from '@conform-to/zod/v4'
import type { SubmissionResult } from '@conform-to/react'
import type { z } from 'zod'
import {
  AdminApiError,
  createAdminApi,
  CredentialsRefusedError,
  NodeUnreachableError
} from './admin-api/admin-api.ts'
import type { AdminApi } from './admin-api/admin-api.ts'
import { checkForm } from './session/csrf.ts'
import { requireLogin } from './login/login.server.ts'
import type { Credentials, Flash } from './session/session.ts'
import type { FormResult } from './ui/form-result.ts'
import type { PageProblem } from './ui/problem.ts'

/** What a page has at hand when somebody is signed in. */
export interface PageArgs {
  request: Request
  url: URL
  params: Readonly<Record<string, string | undefined>>
  context: AppLoadContext
  credentials: Credentials
  api: AdminApi
}

/**
 * A page's loader: signed in, or sent to the front page. What goes wrong becomes an answer that the error page tells in
 * words: the node down (502), credentials refused (401), not there (404), refused (400).
 */
export function pageLoader<Result>(load: (args: PageArgs) => Promise<Result>) {
  return async (args: LoaderFunctionArgs): Promise<Result> => {
    const page = await signedIn(args)
    return load(page).catch((error: unknown) => {
      throw toResponse(error, page)
    })
  }
}

export interface FormArgs<Schema extends z.ZodType> extends PageArgs {
  value: z.output<Schema>
  /** The form again, with what is wrong beside its field; without a field: above the form. */
  refuse(message: string, field?: keyof z.input<Schema> & string): FormRefused
}

/** What no answer holds, also where it only gives a form back. */
const SECRET_FIELDS = ['apiSecret', 'idpSecret', 'outgoingAuthToken', 'incomingAuthTokens']

interface FormRefused {
  refused: SubmissionResult<string[]>
}

/** Where to go after a change, and what to say there. */
export interface FormDone {
  to: string
  flash: Flash['message']
  /** What this session calls the node with from now on, where the change was to that. */
  credentials?: Credentials
}

/**
 * One form of a page: the token is checked, the fields are held to the schema that the browser holds them to as well,
 * and what the node refuses comes back beside its field (`fieldOfCode`: by the error's code, else above the form).
 */
export async function handleForm<Schema extends z.ZodType>(
  args: ActionFunctionArgs,
  schema: Schema,
  change: (form: FormArgs<Schema>) => Promise<FormDone | FormRefused>,
  fieldOf: (error: AdminApiError) => (keyof z.input<Schema> & string) | undefined = () => undefined
): Promise<ReturnType<typeof data<FormResult>>> {
  const page = await signedIn(args)
  const formData = await checkForm(args, page.context.frontend.sessions)
  const intent = textOf(formData.get('intent'))
  formData.delete('intent')
  const submission = parseWithZod(formData, { schema })
  const hideFields = SECRET_FIELDS
  if (submission.status !== 'success') {
    return data({ intent, result: submission.reply({ hideFields }) }, { status: 400 })
  }
  const refuse = (message: string, field?: string): FormRefused => ({
    refused: submission.reply({
      hideFields,
      ...(field === undefined ? { formErrors: [message] } : { fieldErrors: { [field]: [message] } })
    })
  })
  let result: FormDone | FormRefused
  try {
    result = await change({ ...page, value: submission.value, refuse })
  } catch (error) {
    if (!(error instanceof AdminApiError)) throw toResponse(error, page)
    result = refuse(`${error.message} (${error.code})`, fieldOf(error))
  }
  if ('refused' in result) return data({ intent, result: result.refused }, { status: 400 })
  const { sessions } = page.context.frontend
  const headers = new Headers({
    'set-cookie': sessions.commitFlash({ type: 'success', message: result.flash })
  })
  if (result.credentials) {
    const { session } = sessions.read(args.request)
    headers.append('set-cookie', sessions.commit({ ...session, credentials: result.credentials }))
  }
  throw redirect(result.to, { headers })
}

/** Which of a page's forms was sent: the value of its `intent`. The body is left for the form itself. */
export async function intentOf(request: Request): Promise<string> {
  return textOf((await request.clone().formData()).get('intent'))
}

function textOf(value: FormDataEntryValue | null): string {
  return typeof value === 'string' ? value : ''
}

/** @throws a redirect to the front page where nobody is signed in */
async function signedIn({ request, params, context }: LoaderFunctionArgs): Promise<PageArgs> {
  const { sessions, http, signingTimeMs, config } = context.frontend
  const url = new URL(request.url)
  const { session, hasExpired } = sessions.read(request)
  await requireLogin(context, { request, session, hasExpired, url })
  const { credentials } = session
  if (credentials === undefined) {
    const query = new URLSearchParams({
      next: url.pathname + url.search,
      ...(hasExpired && { expired: 'true' })
    })
    throw redirect(`/?${query.toString()}`)
  }
  const api = createAdminApi(
    { http, signingTimeMs },
    { url: config.GRAPHQL_URL, signatureVersion: config.SIGNATURE_VERSION },
    credentials
  )
  return { request, url, params, context, credentials, api }
}

/** 404, for a page about a thing that is not there. */
export function notFound(what: string): Response {
  return problem(
    { kind: 'not-found', title: `${what} not found`, detail: 'It was deleted, or never was.' },
    404
  )
}

/** @throws an answer 403 where a tenant asks for what only operators do */
export function operatorsOnly({ credentials }: Pick<PageArgs, 'credentials'>): void {
  if (credentials.isOperator) return
  throw problem(
    {
      kind: 'refused',
      title: 'Only the operator can do this',
      detail: 'These are the credentials of a tenant.'
    },
    403
  )
}

function toResponse(error: unknown, { context, request }: PageArgs): unknown {
  const { logger, config } = context.frontend
  if (error instanceof Response) return error
  if (error instanceof NodeUnreachableError) {
    logger.warn({ err: error, url: config.GRAPHQL_URL }, 'the node does not answer')
    return problem(
      {
        kind: 'node-down',
        title: 'The node does not answer',
        detail: `No answer from its Admin API (${error.message}). Start it, or correct GRAPHQL_URL, then try again.`
      },
      502
    )
  }
  if (error instanceof CredentialsRefusedError) {
    return problem(
      {
        kind: 'refused-credentials',
        title: 'The node refuses these credentials',
        detail: 'The tenant was deleted or its API secret changed. Give them again on the home page.'
      },
      401
    )
  }
  if (error instanceof AdminApiError) {
    const isMissing = error.code === 'NOT_FOUND'
    return problem(
      {
        kind: isMissing ? 'not-found' : 'refused',
        title: isMissing ? 'Not found' : 'The node refused',
        detail: `${error.message} (${error.code})`
      },
      isMissing ? 404 : error.code === 'INTERNAL_SERVER_ERROR' ? 502 : 400
    )
  }
  logger.error({ err: error, path: new URL(request.url).pathname }, 'a page failed')
  return error
}

function problem(body: PageProblem, status: number): Response {
  return Response.json(body, { status })
}
