"""Cases from daily use, as data: forms of Twilio, what agents do next, and what the desk must then show."""
