import { cookieNamed } from '../session/session.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const THEME_COOKIE = 'theme'
const A_YEAR_SECONDS = 31_536_000

/** What the reader chose; by default what their system shows. */
export function readTheme(request: Request): Theme {
  const value = cookieNamed(request, THEME_COOKIE)
  return THEMES.find((theme) => theme === value) ?? 'system'
}

export function commitTheme(theme: Theme): string {
  return `${THEME_COOKIE}=${theme}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${A_YEAR_SECONDS}`
}
