"""A shop with invented prices (training part)."""

from typing import Annotated, TypedDict

from selfimprove.tools.derive import Param

DOMAIN, PART = "shopping", "train"
Product = Annotated[str, Param(examples=["desk lamp", "rain jacket", "yoga mat", "coffee grinder"])]
Order = Annotated[str, Param(examples=["A1047", "B2290", "K8812"])]


class CartItem(TypedDict):
    """One line of a cart."""

    name: str
    quantity: int


Items = Annotated[
    list[CartItem], Param(examples=[[{"name": "mug", "quantity": 2}], [{"name": "towel", "quantity": 4}]])
]


def _price(product: str) -> float:
    if not product.strip():
        raise ValueError("the product must not be empty")
    return 5 + sum(map(ord, product.lower())) % 90 + 0.99


def search_products(query: Product, max_price: Annotated[float | None, Param(examples=[25, 60])] = None) -> list:
    """Search the shop for products."""
    price = _price(query)
    return [{"name": query, "price": price}] if max_price is None or price <= max_price else []


def get_product_price(product: Product) -> float:
    """Price of a product."""
    return _price(product)


def check_stock(product: Product) -> int:
    """Number of pieces of a product in stock."""
    return int(_price(product)) % 40


def add_to_cart(items: Items) -> dict:
    """Put items into the shopping cart."""
    if not items or any(item["quantity"] < 1 for item in items):
        raise ValueError("each item needs a quantity of at least 1")
    return {"items": len(items), "pieces": sum(item["quantity"] for item in items)}


def track_order(order_id: Order) -> dict:
    """Delivery status of an order."""
    return {"order_id": order_id, "status": ["packed", "on its way", "delivered"][sum(map(ord, order_id)) % 3]}


def return_order(
    order_id: Order, reason: Annotated[str, Param(examples=["too small", "arrived broken", "wrong color"])]
) -> dict:
    """Start the return of an order."""
    return {"order_id": order_id, "reason": reason, "label": f"RET-{order_id}"}


TOOLS = [search_products, get_product_price, check_stock, add_to_cart, track_order, return_order]
