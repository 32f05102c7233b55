//! What is being sold: lines of the catalogue's items with their quantities, all in one currency.

use payment::{Amount, AmountError, Currency};
use protocol::ipc::ItemView;
use protocol::ipc::merchant::CatalogueItem;

/// The most lines: what an order may have.
pub const LINES_MAX: usize = payment::ITEMS_MAX;
/// The most of one item.
pub const QUANTITY_MAX: u32 = 999;

/// One item and how many of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// What.
    pub item: CatalogueItem,
    /// How many; never none.
    pub quantity: u32,
}

impl CartLine {
    /// What the line comes to.
    pub fn total(&self) -> Result<Amount, AmountError> {
        let minor = self.item.price.minor().checked_mul(i64::from(self.quantity)).ok_or(AmountError::OutOfRange)?;
        Ok(Amount::new(minor, self.item.price.currency()))
    }
}

/// What is being sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<CartLine>,
}

impl Cart {
    /// The lines, in the order they were begun.
    pub fn lines(&self) -> &[CartLine] {
        &self.lines
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many of an item are in it.
    pub fn quantity(&self, item: &CatalogueItem) -> u32 {
        self.lines.iter().find(|line| line.item == *item).map_or(0, |line| line.quantity)
    }

    /// One more of an item. What exceeds an order's bounds, or is in another currency than the rest, is not taken.
    pub fn add(&mut self, item: &CatalogueItem) {
        let mut grown = self.clone();
        match grown.lines.iter_mut().find(|line| line.item == *item) {
            Some(line) => line.quantity += 1,
            None => grown.lines.push(CartLine { item: item.clone(), quantity: 1 }),
        }
        let is_within = grown.lines.len() <= LINES_MAX
            && grown.lines.iter().all(|line| line.quantity <= QUANTITY_MAX)
            && grown.total(item.price.currency()).is_ok_and(Amount::is_payable);
        if is_within {
            *self = grown;
        }
    }

    /// One less of an item.
    pub fn take(&mut self, item: &CatalogueItem) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.item == *item) {
            line.quantity -= 1;
        }
        self.lines.retain(|line| line.quantity > 0);
    }

    /// What all of it comes to.
    ///
    /// # Errors
    /// When a line is in another currency, or the sum does not fit.
    pub fn total(&self, currency: Currency) -> Result<Amount, AmountError> {
        self.lines.iter().try_fold(Amount::new(0, currency), |sum, line| sum.checked_add(line.total()?))
    }

    /// The order's lines.
    pub fn items(&self) -> Vec<ItemView> {
        let item = |line: &CartLine| {
            let total = line.total().ok()?;
            Some(ItemView { name: line.item.name.clone(), quantity: line.quantity, total })
        };
        self.lines.iter().filter_map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use payment::AMOUNT_MINOR_MAX;

    use super::*;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    fn item(name: &str, minor: i64, currency: &str) -> CatalogueItem {
        CatalogueItem { name: name.to_owned(), price: Amount::new(minor, currency.parse().unwrap()) }
    }

    fn total(cart: &Cart) -> i64 {
        cart.total(usd()).unwrap().minor()
    }

    #[test]
    fn taps_on_a_tile_count_up_and_the_lines_sum_up() {
        let (coffee, cake) = (item("Flat white", 490, "USD"), item("Croissant", 300, "USD"));
        let mut cart = Cart::default();
        for tapped in [&coffee, &cake, &coffee] {
            cart.add(tapped);
        }
        assert_eq!((cart.quantity(&coffee), cart.quantity(&cake), total(&cart)), (2, 1, 1280));
        let items = cart.items();
        assert_eq!((items[0].quantity, items[0].total.minor(), items[1].total.minor()), (2, 980, 300));
    }

    #[test]
    fn the_last_one_taken_removes_the_line() {
        let coffee = item("Flat white", 490, "USD");
        let mut cart = Cart::default();
        cart.add(&coffee);
        cart.take(&coffee);
        cart.take(&coffee);
        assert!(cart.is_empty());
        assert_eq!(total(&cart), 0);
    }

    #[test]
    fn currencies_are_not_mixed() {
        let mut cart = Cart::default();
        cart.add(&item("Flat white", 490, "USD"));
        cart.add(&item("Flat white", 70_000, "JPY"));
        assert_eq!((cart.lines().len(), total(&cart)), (1, 490));
        assert!(cart.total("JPY".parse().unwrap()).is_err());
    }

    #[test]
    fn no_more_than_an_order_may_have() {
        let mut cart = Cart::default();
        let dear = item("Yacht", AMOUNT_MINOR_MAX, "USD");
        cart.add(&dear);
        cart.add(&dear);
        assert_eq!(cart.quantity(&dear), 1);
        let mut cart = Cart::default();
        for number in 0..=LINES_MAX {
            cart.add(&item(&number.to_string(), 1, "USD"));
        }
        assert_eq!(cart.lines().len(), LINES_MAX);
        for _ in 0..=QUANTITY_MAX {
            cart.add(&item("0", 1, "USD"));
        }
        assert_eq!(cart.quantity(&item("0", 1, "USD")), QUANTITY_MAX);
    }

    #[test]
    fn two_items_of_one_name_and_two_prices_are_two_lines() {
        let mut cart = Cart::default();
        cart.add(&item("Tea", 300, "USD"));
        cart.add(&item("Tea", 400, "USD"));
        assert_eq!(cart.lines().len(), 2);
    }
}
