import { createContext } from 'react'

/** Lets the page's own inline scripts run under the Content-Security-Policy. Browsers hide it from scripts. */
export const ScriptNonce = createContext<string | undefined>(undefined)
