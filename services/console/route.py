"""heliograph route: add, list, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from libs.common.contracts.routing import AddRoute, ListRoutes, NewRoute, RemoveRoute
from services.console import nouns
from services.console.asking import ask

app = nouns.noun("Routes: which texts go by which carrier. The lowest position with a carrier that is up counts.")


@app.command()
def add(
    carrier: str,
    position: Annotated[int, typer.Option(help="Lower ones are looked at first.")] = 1000,
    weight: Annotated[int, typer.Option(help="Its part among the carriers of one position.")] = 100,
    prefix: Annotated[str | None, typer.Option(help="Numbers that begin so, such as +4477.")] = None,
    country: Annotated[str | None, typer.Option(help="Numbers of this country, such as GB.")] = None,
    sender: Annotated[str | None, typer.Option(help="Texts from this header.")] = None,
    company: Annotated[str | None, typer.Option(help="Texts of this company.")] = None,
    lane: Annotated[str | None, typer.Option(help="urgent (codes), ordinary or bulk (campaigns).")] = None,
) -> None:
    """Texts that match all that is given may go by CARRIER. Prints the route's id."""
    company_id = nouns.company(company).id if company else None
    new = NewRoute(
        carrier=carrier,
        position=position,
        weight=weight,
        prefix=prefix,
        country=country,
        sender=sender,
        company_id=company_id,
        lane=lane,
    )
    typer.echo(ask(AddRoute(route=new)).id)


@app.command("list")
def list_() -> None:
    """In the order they are looked at."""
    for route in ask(ListRoutes()).items:
        given = route.model_dump(include={"prefix", "country", "sender", "company_id", "lane"}, exclude_none=True)
        what = ", ".join(f"{name} {value}" for name, value in given.items()) or "everything"
        typer.echo(f"{route.id}  at {route.position}: {what} -> {route.carrier} {route.weight}")


@app.command()
def remove(id_: int) -> None:
    """What waits already keeps its carrier."""
    ask(RemoveRoute(id=id_))
