"""The demonstration city: departments with synthetic, seeded, valid data, modelled on Guiyang (division 520100).

Nobody in it exists. Every person, company and number is drawn from a seeded generator; a drawn number may by chance be one that was issued,
but nothing beside it belongs to whoever holds it.
"""
