import type { ActionFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { checkForm } from '../session/csrf.ts'
import { pathWithin } from './path-within.ts'
import { commitTheme, THEMES } from './theme.ts'

/** The choice of light, dark or the system's. */
export async function action({ request, context }: ActionFunctionArgs) {
  const form = await checkForm({ request }, context.frontend.sessions)
  const theme = THEMES.find((theme) => theme === form.get('theme')) ?? 'system'
  return redirect(pathWithin(form.get('next')), { headers: { 'set-cookie': commitTheme(theme) } })
}

export const loader = () => redirect('/')
